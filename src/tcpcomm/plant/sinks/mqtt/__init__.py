"""The sink for MQTT brokers: plain JSON or Sparkplug B, and the commands that a broker gives."""
