"""RabbitMQ as a sink: results with confirms, commands for links, and the ownership of links."""
