#!/usr/bin/env bash
# Run once by the PostgreSQL image, when its volume is empty: a database for each domain, owned by a role that can
# connect to no other.
set -euo pipefail

run() {
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres "$@"
}

make_database() {
    run --set=name="$1" --set=password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database cleave_user "$USER_DB_PASSWORD"
make_database cleave_task "$TASK_DB_PASSWORD"
make_database cleave_notification "$NOTIFICATION_DB_PASSWORD"

run <<'SQL'
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
SQL
