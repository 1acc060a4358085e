-- The verifier's records (records.py), one table for each type, one column for each field in order.
-- Times are nanoseconds since the Unix epoch by the verifier's clock. JSON stands for tuples.
-- Rows of device are never deleted, so what refers to them always finds them.

CREATE TABLE account (
    id                  TEXT    NOT NULL PRIMARY KEY,
    partition           TEXT    NOT NULL,
    alias               TEXT,
    root_email          TEXT    NOT NULL,
    root_phone          TEXT,
    alternative_factors INTEGER NOT NULL,
    created_ns          INTEGER NOT NULL,
    managed_by          TEXT    NOT NULL,
    root_mfa_asked_ns   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE identity (
    id                      TEXT    NOT NULL PRIMARY KEY,
    account_id              TEXT    NOT NULL REFERENCES account (id),
    name                    TEXT    NOT NULL,
    name_key                TEXT    NOT NULL,
    path                    TEXT    NOT NULL,
    root                    INTEGER NOT NULL,
    password_hash           TEXT,
    created_ns              INTEGER NOT NULL,
    password_changed_ns     INTEGER,
    password_last_used_ns   INTEGER,
    permissions_boundary    TEXT,
    tags                    TEXT    NOT NULL,
    password_created_ns     INTEGER,
    password_reset_required INTEGER NOT NULL,
    former_passwords        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_by_account_id_and_permissions_boundary
    ON identity (account_id, permissions_boundary);
CREATE UNIQUE INDEX identity_one_account_id_and_name_key ON identity (account_id, name_key);

CREATE TABLE password_policy (
    account_id       TEXT    NOT NULL PRIMARY KEY REFERENCES account (id),
    minimum_length   INTEGER NOT NULL,
    symbols          INTEGER NOT NULL,
    numbers          INTEGER NOT NULL,
    uppercase        INTEGER NOT NULL,
    lowercase        INTEGER NOT NULL,
    users_may_change INTEGER NOT NULL,
    maximum_age_days INTEGER,
    reuse_prevention INTEGER,
    hard_expiry      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE access_key (
    id          TEXT    NOT NULL PRIMARY KEY,
    secret      TEXT    NOT NULL,
    identity_id TEXT    NOT NULL REFERENCES identity (id),
    active      INTEGER NOT NULL,
    created_ns  INTEGER NOT NULL,
    uses        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_key_by_identity_id ON access_key (identity_id);

CREATE TABLE role (
    id                   TEXT    NOT NULL PRIMARY KEY,
    account_id           TEXT    NOT NULL REFERENCES account (id),
    name                 TEXT    NOT NULL,
    name_key             TEXT    NOT NULL,
    path                 TEXT    NOT NULL,
    trust_policy         TEXT    NOT NULL,
    max_session_s        INTEGER NOT NULL,
    created_ns           INTEGER NOT NULL,
    description          TEXT,
    permissions_boundary TEXT,
    tags                 TEXT    NOT NULL,
    trusted_ids          TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX role_by_account_id_and_permissions_boundary
    ON role (account_id, permissions_boundary);
CREATE UNIQUE INDEX role_one_account_id_and_name_key ON role (account_id, name_key);

CREATE TABLE user_group (
    id         TEXT    NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES account (id),
    name       TEXT    NOT NULL,
    name_key   TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    created_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_group_one_account_id_and_name_key ON user_group (account_id, name_key);

CREATE TABLE membership (
    user_id  TEXT NOT NULL REFERENCES identity (id),
    group_id TEXT NOT NULL REFERENCES user_group (id),
    PRIMARY KEY (user_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_by_group_id ON membership (group_id);

CREATE TABLE managed_policy (
    arn             TEXT    NOT NULL PRIMARY KEY,
    id              TEXT    NOT NULL,
    account_id      TEXT    NOT NULL REFERENCES account (id),
    name            TEXT    NOT NULL,
    name_key        TEXT    NOT NULL,
    path            TEXT    NOT NULL,
    description     TEXT,
    default_version INTEGER NOT NULL,
    last_version    INTEGER NOT NULL,
    created_ns      INTEGER NOT NULL,
    updated_ns      INTEGER NOT NULL,
    tags            TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX managed_policy_one_account_id_and_name_key
    ON managed_policy (account_id, name_key);

CREATE TABLE policy_version (
    policy_arn TEXT    NOT NULL REFERENCES managed_policy (arn),
    number     INTEGER NOT NULL,
    document   TEXT    NOT NULL,
    created_ns INTEGER NOT NULL,
    PRIMARY KEY (policy_arn, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE inline_policy (
    owner_id TEXT NOT NULL,
    name     TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (owner_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE attachment (
    owner_id   TEXT NOT NULL,
    policy_arn TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    PRIMARY KEY (owner_id, policy_arn)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_by_account_id_and_policy_arn ON attachment (account_id, policy_arn);

CREATE TABLE device (
    id                TEXT    NOT NULL PRIMARY KEY,
    kind              TEXT    NOT NULL,
    serial            TEXT    NOT NULL,
    account_id        TEXT REFERENCES account (id),
    name              TEXT    NOT NULL,
    path              TEXT    NOT NULL,
    created_ns        INTEGER NOT NULL,
    secret            BLOB    NOT NULL,
    algorithm         TEXT    NOT NULL,
    digits            INTEGER NOT NULL,
    period_s          INTEGER NOT NULL,
    moving_factor     TEXT    NOT NULL,
    phone             TEXT,
    tags              TEXT    NOT NULL,
    owner_id          TEXT REFERENCES identity (id),
    enabled_ns        INTEGER,
    deleted_ns        INTEGER,
    offset_steps      INTEGER NOT NULL,
    pair_offset_steps INTEGER NOT NULL,
    last_pair_step    INTEGER,
    high_water_step   INTEGER,
    name_key          TEXT    NOT NULL,
    CHECK (algorithm IN ('SHA1', 'SHA256', 'SHA512')),
    CHECK (digits BETWEEN 6 AND 10),
    CHECK (period_s > 0),
    CHECK ((owner_id IS NULL) = (enabled_ns IS NULL)),
    CHECK (deleted_ns IS NULL OR owner_id IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_by_serial_and_deleted_ns ON device (serial, deleted_ns);
CREATE INDEX device_by_owner_id ON device (owner_id);
CREATE INDEX device_by_account_id_and_kind_and_deleted_ns ON device (account_id, kind, deleted_ns);
CREATE INDEX device_by_account_id_and_name_key_and_deleted_ns
    ON device (account_id, name_key, deleted_ns);
CREATE UNIQUE INDEX device_one_live_serial ON device (serial) WHERE deleted_ns IS NULL;

CREATE TABLE used_code (
    device_id TEXT    NOT NULL REFERENCES device (id),
    step      INTEGER NOT NULL,
    PRIMARY KEY (device_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget (
    serial           TEXT    NOT NULL PRIMARY KEY,
    window           INTEGER NOT NULL,
    attempts         INTEGER NOT NULL,
    failures         INTEGER NOT NULL,
    blocked_until_ns INTEGER NOT NULL,
    recent_ns        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE binding (
    device_id   TEXT    NOT NULL REFERENCES device (id),
    from_ns     INTEGER NOT NULL,
    serial      TEXT    NOT NULL,
    identity_id TEXT    NOT NULL,
    until_ns    INTEGER,
    PRIMARY KEY (device_id, from_ns)
) STRICT, WITHOUT ROWID;
CREATE INDEX binding_by_serial ON binding (serial);

CREATE TABLE pair_at_sts (
    device_id           TEXT    NOT NULL PRIMARY KEY REFERENCES device (id),
    old_offset_steps    INTEGER NOT NULL,
    old_until_ns        INTEGER NOT NULL,
    offset_from_ns      INTEGER NOT NULL,
    second_step         INTEGER NOT NULL,
    second_step_from_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    access_key_id       TEXT    NOT NULL PRIMARY KEY,
    secret              TEXT    NOT NULL,
    token               TEXT    NOT NULL,
    kind                TEXT    NOT NULL,
    identity_id         TEXT    NOT NULL,
    role_id             TEXT,
    session_name        TEXT,
    issued_ns           INTEGER NOT NULL,
    expires_ns          INTEGER NOT NULL,
    mfa_ns              INTEGER,
    mfa_serial          TEXT,
    policies            TEXT    NOT NULL,
    tags                TEXT    NOT NULL,
    transitive_tag_keys TEXT    NOT NULL,
    source_identity     TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_in (
    id          TEXT    NOT NULL PRIMARY KEY,
    identity_id TEXT    NOT NULL,
    started_ns  INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    chosen      TEXT,
    closed      INTEGER NOT NULL,
    demand      TEXT    NOT NULL,
    mfa_ns      INTEGER,
    mfa_serial  TEXT,
    mail_code   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_by_identity_id ON sign_in (identity_id);

CREATE TABLE sms_challenge (
    device_id TEXT    NOT NULL PRIMARY KEY REFERENCES device (id),
    code      TEXT    NOT NULL,
    sent_ns   INTEGER NOT NULL,
    tries     INTEGER NOT NULL,
    used      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE credential_record (
    device_id          TEXT    NOT NULL PRIMARY KEY REFERENCES device (id),
    credential_id      BLOB    NOT NULL,
    public_key         BLOB    NOT NULL,
    sign_count         INTEGER NOT NULL,
    aaguid             BLOB    NOT NULL,
    transports         TEXT    NOT NULL,
    backup_eligible    INTEGER NOT NULL,
    backed_up          INTEGER NOT NULL,
    user_verified      INTEGER NOT NULL,
    attestation_format TEXT    NOT NULL,
    certifications     TEXT    NOT NULL,
    app_id             TEXT,
    cloned_ns          INTEGER,
    last_used_ns       INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX credential_record_one_credential_id ON credential_record (credential_id);

CREATE TABLE web_authn_challenge (
    challenge   TEXT    NOT NULL PRIMARY KEY,
    ceremony    TEXT    NOT NULL,
    identity_id TEXT    NOT NULL,
    holder      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    issued_ns   INTEGER NOT NULL,
    used        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery (
    id           TEXT    NOT NULL PRIMARY KEY,
    identity_id  TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    mail_token   TEXT    NOT NULL,
    mail_sent_ns INTEGER,
    call_digits  TEXT    NOT NULL,
    called_ns    INTEGER,
    call_tries   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE credential_report (
    account_id   TEXT    NOT NULL PRIMARY KEY REFERENCES account (id),
    content      TEXT    NOT NULL,
    generated_ns INTEGER NOT NULL,
    ready_ns     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
