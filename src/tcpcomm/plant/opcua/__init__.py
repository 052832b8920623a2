"""An OPC UA server that follows from declarations: objects, variables with units, methods, events."""
