#!/bin/sh
# Makes every secret that is not there yet, in secrets/ (or the folder given). What is there stays as it is.
set -eu

folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
# Containers read the files as users of their own, so the files are open; the folder is shut to anybody else here.
chmod 0700 "$folder"
umask 022

random() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }

# keep NAME: writes standard input to the file, unless it is there; whole or not at all.
keep() {
    [ -e "$folder/$1" ] && return
    cat >"$folder/.$1.new"
    mv "$folder/.$1.new" "$folder/$1"
}
make() { random "$2" | keep "$1"; }
of() { cat "$folder/$1"; }

make secret_key 32
make postgres_password 24
make database_password 24
make grafana_password 12
make queue_password 24
make worker_queue_password 24
make storage_access_key_id 10
make storage_secret_access_key 24
make worker_storage_access_key_id 10
make worker_storage_secret_access_key 24

echo "postgresql://fotofila:$(of database_password)@postgres:5432/fotofila" | keep database_url
echo "nats://fotofila:$(of queue_password)@nats:4222" | keep queue_url
echo "nats://worker:$(of worker_queue_password)@nats:4222" | keep worker_queue_url

# A worker takes work and reports; it may be the first to look for a lane, and makes it then. It can neither send work,
# nor read what others report, nor change or remove what is there.
keep nats_users.conf <<NATS
authorization {
  users: [
    {user: fotofila, password: "$(of queue_password)"}
    {
      user: worker
      password: "$(of worker_queue_password)"
      permissions: {
        publish: [
          "results", "results.>", "failures", "failures.>"
          "\$JS.ACK.process.>", "\$JS.API.CONSUMER.MSG.NEXT.process.*"
          "\$JS.API.CONSUMER.INFO.process.*", "\$JS.API.CONSUMER.DURABLE.CREATE.process.*"
          "\$JS.API.STREAM.INFO.*"
          "\$JS.API.STREAM.CREATE.process", "\$JS.API.STREAM.CREATE.results"
          "\$JS.API.STREAM.CREATE.failures", "\$JS.API.STREAM.CREATE.failures-dead"
        ]
        subscribe: ["_INBOX.>"]
      }
    }
  ]
}
NATS

keep storage_users.json <<S3
{"identities": [
  {"name": "fotofila",
   "credentials": [{"accessKey": "$(of storage_access_key_id)", "secretKey": "$(of storage_secret_access_key)"}],
   "actions": ["Admin:photos", "Read:photos", "Write:photos", "List:photos", "Tagging:photos"]},
  {"name": "worker",
   "credentials": [{"accessKey": "$(of worker_storage_access_key_id)", "secretKey": "$(of worker_storage_secret_access_key)"}],
   "actions": ["Read:photos", "Write:photos", "List:photos"]}
]}
S3
