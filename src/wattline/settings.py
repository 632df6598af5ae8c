"""Every setting of the platform: its name, its default, its meaning. Set by `WATTLINE_NAME` or a command-line option."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "WATTLINE_"
KEPT = ("raw", "minute", "5m", "hour", "day")
MEBIBYTE = 1024 * 1024


RESERVED_ROLES = ("anon", "authenticated", "service_role")
"""The roles of the Flux contract that are always there."""
_READ: tuple[Verb, ...] = ("select",)
_READ_AND_INSERT: tuple[Verb, ...] = ("select", "insert")
FLUX_ROLES: Roles = {
    "besscontroller": {"mg_bess_readings": _READ_AND_INSERT, "mg_meter_readings": _READ_AND_INSERT},
    "flux_scraper": {"market_data": _READ_AND_INSERT, "insert_market_data_batch": ("execute",)},
    "flux_grafana_reader": {
        "mg_bess_readings": _READ,
        "mg_meter_readings": _READ,
        "mg_device_registry": _READ,
        "market_data": _READ,
        "market_data_types": _READ,
        "mg_bess_readings_5m": _READ,
        "mg_bess_readings_30m": _READ,
        "mg_meter_readings_5m_intermediate": _READ,
        "mg_meter_readings_30m_intermediate": _READ,
        "get_meter_readings_5m": ("execute",),
        "get_meter_readings_30m": ("execute",),
    },
    "grafanareader": {"market_data": _READ},
}
"""What the databases of Flux grant to the roles that its own programs use."""


def _nominal(hertz: int) -> int:
    if hertz not in (50, 60):
        raise ValueError("a grid runs at 50 or 60 Hz")
    return hertz


Port = Annotated[int, Field(ge=0, le=65535)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000)]
Span = Annotated[int, Field(ge=0)]
Number = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, le=1_000_000)]
Bytes = Annotated[int, Field(ge=1)]
Frequency = Annotated[int, AfterValidator(_nominal)]
Role = Annotated[str, Field(min_length=1, max_length=63)]
Verb = Literal["select", "insert", "update", "delete", "execute"]
Roles = dict[Role, dict[str, tuple[Verb, ...]]]
Directory = Annotated[Path, AfterValidator(Path.absolute)]


def _setting(section: str, description: str, default: Any = ..., shown: str | None = None, **more: Any) -> Any:
    """A field with its place in the reference; `shown` stands for a default that depends on other settings."""
    extra: dict[str, JsonValue] = {"section": section}
    if shown is not None:
        extra["shown"] = shown
    if default is not ...:
        more["default"] = default
    return Field(description=description, json_schema_extra=extra, **more)


class Settings(BaseSettings):
    """The settings of one process, checked once and then fixed. Raises pydantic's `ValidationError`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, validate_default=True, hide_input_in_errors=True)

    data: Directory = _setting("Server", "Directory of everything that is stored.", Path("data"), shown="./data")
    host: str = _setting("Server", "Address to listen on.", "127.0.0.1", min_length=1)
    port: Port = _setting("Server", "TCP port to listen on; 0 picks a free one and prints it.", 8000)
    open: bool = _setting("Server", "Ask for no credentials. Allowed on a loopback address only.", False)
    tls_cert: Path | None = _setting("Server", "Certificate chain (PEM) to serve HTTPS with.", None)
    tls_key: Path | None = _setting("Server", "Private key (PEM) of `tls_cert`.", None)
    behind_proxy: bool = _setting(
        "Server", "A reverse proxy ends TLS in front: allows a public address, and believes X-Forwarded-For and -Proto.", False
    )
    trusted_proxies: str = _setting(
        "Server", "Addresses or networks of that proxy, separated by commas; `*` is any.", "127.0.0.1,::1"
    )
    drain_seconds: Annotated[int, Field(ge=1, le=300)] = _setting(
        "Server", "How long a stop waits for requests in flight before it ends them.", 5
    )
    default_tenant: str = _setting(
        "Server",
        "Tenant of keys made without `--tenant`, and of callers under `open`.",
        "default",
        min_length=1,
        max_length=128,
    )

    telemetry_url: str = _setting(
        "Stores",
        "Where readings live: `chdb:///DIR` (inside this process) or `http(s)://USER:PASSWORD@HOST:8123/DATABASE`.",
        default_factory=lambda known: f"chdb://{known['data']}/telemetry",
        shown="chdb://DATA/telemetry",
    )
    state_url: str = _setting(
        "Stores",
        "Where state lives: `sqlite+aiosqlite:///FILE` or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`.",
        default_factory=lambda known: f"sqlite+aiosqlite:///{known['data']}/state.db",
        shown="sqlite+aiosqlite:///DATA/state.db",
    )
    bus_url: Literal["memory://"] = _setting("Stores", "How live messages travel: inside this process.", "memory://")
    journal_max_bytes: Bytes = _setting(
        "Stores", "Readings that may wait for the telemetry store, in bytes; past it ingest answers 503.", 8192 * MEBIBYTE
    )

    cors_origins: tuple[str, ...] = _setting(
        "Server",
        'Web origins whose pages may call the MCS and Flux APIs, as JSON: `["https://noc.example"]`.',
        ("*",),
        shown='["*"]',
    )

    max_body_bytes: Bytes = _setting("Limits", "Largest request body of a batch, after decompression.", 16 * MEBIBYTE)
    max_record_bytes: Bytes = _setting("Limits", "Largest request body of one record.", 64 * 1024)
    max_streams: Number = _setting(
        "Limits", "Streams that one tenant may register: a feeder, or a model's scores of a substation, is one.", 100_000
    )
    max_future_seconds: Seconds = _setting("Limits", "How far ahead of this clock a reading's time may be.", 300)

    mqtt: bool = _setting("MQTT", "Take readings over MQTT.", True)
    mqtt_url: str | None = _setting(
        "MQTT",
        "Broker to take messages from: `mqtt://USER:PASSWORD@HOST:1883` or `mqtts://...`; without one, the embedded broker.",
        None,
    )
    mqtt_ca_file: Path | None = _setting("MQTT", "Authorities (PEM) that the broker's certificate is checked against.", None)
    mqtt_client_cert: Path | None = _setting("MQTT", "Certificate (PEM) that is shown to the broker.", None)
    mqtt_client_key: Path | None = _setting("MQTT", "Private key (PEM) of `mqtt_client_cert`.", None)
    mqtt_host: str = _setting("MQTT", "Address that the embedded broker listens on.", "127.0.0.1", min_length=1)
    mqtt_port: Port | None = _setting(
        "MQTT",
        "TCP port of the embedded broker; 0 picks a free one. Not given: 1883, or a free one where 1883 is taken.",
        None,
    )
    mqtt_tenant: str | None = _setting(
        "MQTT", "Tenant of what comes from `mqtt_url`; not given: `default_tenant`.", None, min_length=1, max_length=128
    )
    mqtt_prefix: str = _setting("MQTT", "First level of the MCS topics.", "microlink", pattern=r"^[A-Za-z0-9_-]+$")
    mqtt_register_unknown: bool = _setting(
        "MQTT", "Register sites, blocks and sensors when they are first heard of; else they are dead letters.", False
    )

    mcs_requests_per_minute: Number | None = _setting("Limits", "MCS requests that one key may make in a minute.", None)
    mcs_long_queries_per_minute: Number | None = _setting(
        "Limits", "MCS telemetry queries over more than 90 days that one key may make in a minute.", None
    )
    mcs_sockets_per_key: Number | None = _setting("Limits", "MCS WebSockets that one key may hold open.", None)

    flux_policy: Literal["seed", "strict", "open"] = _setting(
        "Flux",
        "What its roles may do: `seed`: anon and authenticated read everything and insert; `open`: they also update; `strict`: "
        "anon nothing, authenticated reads. The role service_role may do everything.",
        "seed",
    )
    flux_roles: Roles = _setting(
        "Flux",
        "Further roles, as JSON: of each the relations and functions, and what it may do with them (select, insert, update, "
        "delete, execute).",
        default_factory=lambda: FLUX_ROLES,
        shown="besscontroller, flux_scraper, flux_grafana_reader, grafanareader",
    )
    flux_jwt_secret: Annotated[SecretStr, Field(min_length=32)] | None = _setting(
        "Flux",
        "What tokens of the default tenant are signed with (HS256); not given: a secret that is made and kept with the state.",
        None,
    )
    flux_jwt_audience: str | None = _setting(
        "Flux", "Audience that a token must be for if it names one; not given: any.", None, min_length=1
    )
    flux_rate_limits: bool = _setting("Flux", "Limit how often a caller may ask: `on` or `off`.", True, shown="on")
    flux_anon_requests_per_minute: Number = _setting("Flux", "Requests a minute of one address with an anon key.", 60)
    flux_anon_burst: Number = _setting("Flux", "Requests that such a caller may make at once after a pause.", 100)
    flux_authenticated_requests_per_minute: Number = _setting(
        "Flux", "Requests a minute of one user, or of one key of the role authenticated or of a further role.", 300
    )
    flux_authenticated_burst: Number = _setting("Flux", "Requests that such a caller may make at once after a pause.", 500)
    flux_service_requests_per_minute: Number = _setting("Flux", "Requests a minute of one key of the role service_role.", 1000)
    flux_service_burst: Number = _setting("Flux", "Requests that such a caller may make at once after a pause.", 2000)
    flux_aggregates: bool = _setting("Flux", "Allow aggregates in `select`, as `soe.avg()`: `on` or `off`.", False, shown="off")
    flux_max_rows: Number | None = _setting(
        "Flux", "Rows at which an answer is cut without telling, as by PostgREST's `db-max-rows`; not given: none is cut.", None
    )
    flux_answer_rows: Number = _setting(
        "Flux", "Rows that one answer or body may have, and one PATCH or DELETE may touch; with more it is refused.", 100_000
    )
    flux_held_rows: Number = _setting(
        "Flux", "Rows that one request may hold in memory to put them in order or to group them.", 2_000_000
    )
    flux_rollback: bool = _setting(
        "Flux", "Heed `Prefer: tx=rollback`, which answers and changes nothing: `on` or `off`.", False, shown="off"
    )

    household_token_seconds: Annotated[int, Field(ge=60, le=65_535)] = _setting(
        "Household", "How long the token of a meter holds; a device keeps it in 16 bits.", 3600
    )
    household_token_grace_seconds: Span = _setting(
        "Household", "How long a meter's former token holds once it asked for another.", 300
    )

    joulepoint_device_rate: Rate = _setting(
        "Joulepoint",
        "Requests a second that one device key may make; 0: no limit. The page names none, and a gateway's key speaks for many "
        "meters; 10 suits a meter with a key of its own.",
        0,
    )
    joulepoint_device_burst: Number = _setting("Joulepoint", "Requests that a device may make at once after a pause.", 50)
    joulepoint_rate: Rate = _setting(
        "Joulepoint", "Requests a second that one OAuth client or API key may make; 0: no limit.", 0
    )
    joulepoint_burst: Number = _setting("Joulepoint", "Requests that such a caller may make at once after a pause.", 100)

    retention_raw_days: Days = _setting("Retention", "How long readings are kept as sent, from when they came in.", 90)
    retention_minute_days: Days = _setting("Retention", "How long the 1-minute tier is kept.", 730)
    retention_5m_days: Days = _setting("Retention", "How long the 5-minute tier is kept.", 730)
    retention_hour_days: Days = _setting("Retention", "How long the 1-hour tier is kept.", 2555)
    retention_day_days: Days = _setting("Retention", "How long the 1-day tier is kept.", 2555)

    nominal_hz: Frequency = _setting("Scoring", "Nominal frequency of the grid, in hertz: 50 or 60.", 60)
    tenant_nominal_hz: dict[str, Literal[50, 60]] = _setting(
        "Scoring", 'Nominal frequency by tenant where it differs, as JSON: `{"north": 50}`.', default_factory=dict, shown="{}"
    )
    scoring_model: Literal["robust-2", "zscore-linear-2.5"] = _setting(
        "Scoring", "Which model's scores the contracts show; both are always computed and stored.", "robust-2"
    )
    scoring_seconds: Seconds = _setting("Scoring", "Seconds between two scorings of every substation.", 60)

    smtp_host: str | None = _setting("Mail", "Mail server. Without one no mail is sent and the ledger says so.", None)
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = _setting("Mail", "Port of the mail server.", 587)
    smtp_security: Literal["starttls", "tls", "none"] = _setting("Mail", "How the connection is protected.", "starttls")
    smtp_username: str | None = _setting("Mail", "User name at the mail server.", None)
    smtp_password: SecretStr | None = _setting("Mail", "Password at the mail server.", None)
    smtp_sender: str = _setting("Mail", "Address that mails come from.", "wattline@localhost", pattern=r"^[^@\s]+@[^@\s]+$")

    alert_trip_cooldown: Span = _setting("Alerts", "Seconds in which a feeder gets at most one trip mail.", 300)
    alert_anomaly_cooldown: Span = _setting("Alerts", "Seconds in which a substation gets at most one anomaly mail.", 900)
    alert_rate_limit: Number = _setting("Alerts", "Mails to one recipient within `alert_rate_window`; then digests.", 20)
    alert_rate_window: Number = _setting("Alerts", "Length of that window, in seconds.", 3600)
    alert_digest_interval: Number = _setting("Alerts", "Seconds in which a recipient gets at most one digest.", 600)
    alert_digest_settle: Span = _setting("Alerts", "Seconds that the first digest gathers before it is sent.", 60)
    alert_storm_trips: Number = _setting("Alerts", "Trips within `alert_storm_window`; one more is a storm: one mail.", 10)
    alert_storm_window: Number = _setting("Alerts", "Length of that window, in seconds.", 60)
    alert_sending_lease: Annotated[int, Field(ge=60)] = _setting(
        "Alerts", "Seconds after which an unfinished delivery is sent again.", 60
    )
    alert_retry_first: Number = _setting("Alerts", "Seconds to the first retry of a delivery; each later one doubles.", 10)
    alert_retry_longest: Span = _setting("Alerts", "Longest time between two retries, in seconds.", 900)
    alert_retry_for: Span = _setting("Alerts", "Seconds after which a delivery that never succeeded is given up.", 86_400)
    alert_anomaly_cleared_mail: bool = _setting("Alerts", "Also mail when an anomaly has cleared.", False)

    alarm_cascade_file: Path | None = _setting(
        "Alarms", "JSON file of the rules by which one alarm suppresses others; the built-in rules where it is not given.", None
    )

    log_level: Literal["debug", "info", "warning", "error"] = _setting("Logs", "Least severity that is written.", "info")
    log_format: Literal["console", "json"] = _setting("Logs", "Lines for people, or one JSON object a line.", "console")

    def nominal_of(self, tenant: str) -> int:
        """The nominal frequency of a tenant's grid, in hertz."""
        found = self.tenant_nominal_hz.get(tenant)
        return self.nominal_hz if found is None else found

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key are given together or not at all")
        if (self.mqtt_client_cert is None) != (self.mqtt_client_key is None):
            raise ValueError("mqtt_client_cert and mqtt_client_key are given together or not at all")
        if self.smtp_password is not None and self.smtp_username is None:
            raise ValueError("smtp_password is of no use without smtp_username")
        reserved = sorted(set(self.flux_roles) & set(RESERVED_ROLES))
        if reserved:
            raise ValueError(f"flux_roles cannot say what {reserved[0]} may do: flux_policy does")
        if sorted(kept := [getattr(self, f"retention_{each}_days") for each in KEPT]) != kept:
            raise ValueError("a coarser tier is kept at least as long as what it is computed from: raw, minute, 5m, hour, day")
        return self


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names that begin with the prefix and are no setting: most likely a slip of the pen."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)
