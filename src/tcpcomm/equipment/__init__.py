"""The declaration of a piece of equipment: its commands, events, values, and login."""
