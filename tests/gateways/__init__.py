"""Tests of MQTT: the connection to a real Mosquitto, the embedded broker, and what could not be taken in."""
