"""Tests of the RabbitMQ sink without a broker."""
