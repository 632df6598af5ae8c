"""The MQTT side of MCS: topics, payloads, and what becomes of them."""
