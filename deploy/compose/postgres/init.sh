#!/bin/sh
# Run once by the image, on an empty volume: a role that owns its own database and nothing else.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set password="$(cat "${DATABASE_PASSWORD_FILE:-/run/secrets/database_password}")" <<'SQL'
CREATE ROLE fotofila LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE fotofila OWNER fotofila ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE fotofila FROM PUBLIC;
SQL
