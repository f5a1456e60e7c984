#!/bin/sh
# Run once by the image of PostgreSQL when its cluster is new: one role owns the tables, the role of the server will only add to them.
set -eu
export SECRETS="${SECRETS:-/run/secrets}"
# Passwords are read by psql itself, so that they stand in no list of processes.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set owner_password `cat "$SECRETS/owner_password"`
\set server_password `cat "$SECRETS/server_password"`
CREATE ROLE custody_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE custody LOGIN PASSWORD :'server_password';
CREATE DATABASE custody OWNER custody_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE custody FROM PUBLIC;
GRANT CONNECT ON DATABASE custody TO custody;
-- So that it can see whether a standby follows.
GRANT pg_read_all_stats TO custody;
SQL
