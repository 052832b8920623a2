"""An OPC UA server that follows from declarations."""
