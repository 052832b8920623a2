"""The codec of XML documents, which templates read and write."""
