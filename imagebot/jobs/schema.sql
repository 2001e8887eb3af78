-- Who has the clock; the row stays when nobody has. By the server's clock, like all instants here. Other versions look
-- at `beaten_at` in this table and in `replicas`, before they drop the schema.
CREATE TABLE lead (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    term text NOT NULL,
    replica text NOT NULL,
    beaten_at timestamptz NOT NULL
);

-- How rounds ended, until whoever has the clock has read it.
CREATE TABLE endings (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    token text NOT NULL,
    due jsonb NOT NULL,
    ended jsonb NOT NULL
);

-- What is to be made due, by webhooks that came to another replica than the one that has the clock.
CREATE TABLE asks (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    targets jsonb NOT NULL,
    repositories jsonb NOT NULL
);

-- What may be lost when the server crashes, as it is written again within seconds.
CREATE UNLOGGED TABLE replicas (
    id text PRIMARY KEY,
    polls integer NOT NULL,
    updates integer NOT NULL,
    beaten_at timestamptz NOT NULL
);
CREATE UNLOGGED TABLE views (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    content bytea NOT NULL,
    kept_at timestamptz NOT NULL
);
CREATE UNLOGGED TABLE turns (
    host text PRIMARY KEY,
    next_at timestamptz NOT NULL
);
