//! TLS: what the URL asks for is done, or refused.

use crate::start::migrate;
use crate::things::testing::{PrivateServer, not_run};
use crate::things::{POSTGRES, thing};
use crate::write_name;
use db::{Db, DbOptions, OpenError, Server};
use migration_task::Migrator as TaskTables;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, QuerySelect};
use std::fs;
use std::path::Path;
use tokio_postgres::NoTls;

/// An authority in `ca.crt`, and a certificate of `localhost` that it signed; made by openssl, as operators do.
fn certified(server: &PrivateServer) -> bool {
    let place = |name: &str| server.directory().join(name).to_str().unwrap().to_owned();
    let openssl = |line: &str| {
        let line = line.replace('@', server.directory().to_str().unwrap());
        server.run(Path::new("openssl"), &line.split(' ').collect::<Vec<_>>())
    };
    fs::write(place("san"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout @/ca.key -out @/ca.crt -days 2 -subj /CN=authority"))
        && openssl(&format!("req {key} -keyout @/server.key -out @/server.csr -subj /CN=localhost"))
        && openssl(
            "x509 -req -in @/server.csr -CA @/ca.crt -CAkey @/ca.key -CAcreateserial -days 2 -extfile @/san -out @/server.crt",
        )
}

/// A server without TLS, with one table.
async fn plain() -> Option<PrivateServer> {
    let server = PrivateServer::start(&[])?;
    let (client, wire) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(wire);
    client.batch_execute(POSTGRES).await.unwrap();
    Some(server)
}

/// A server that lets nobody in without TLS, with one table, and the file of its authority.
async fn encrypted() -> Option<(PrivateServer, String)> {
    let server = plain().await?;
    if !certified(&server) {
        not_run("openssl is not installed");
        return None;
    }
    server.stop_at_once();
    server.set(&[("ssl", "on")]);
    fs::write(server.directory().join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
    server.resume();
    let authority = server.directory().join("ca.crt").to_str().unwrap().to_owned();
    Some((server, authority))
}

/// Whether the connection is encrypted, as the server sees it.
async fn is_encrypted(db: &Db) -> bool {
    let asked = thing::Entity::find()
        .select_only()
        .expr(Expr::cust("(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"));
    let rows = db.reader().rows::<(bool,)>(asked).await.unwrap();
    !rows.is_empty() && rows.iter().all(|(encrypted,)| *encrypted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sslmode_asks_for_is_done() {
    let Some((server, authority)) = encrypted().await else { return };
    let port = server.address().port();
    let verified = format!("sslmode=verify-full&sslrootcert={authority}");
    for (n, (host, parameters)) in
        [("127.0.0.1", "sslmode=prefer"), ("127.0.0.1", "sslmode=require"), ("localhost", verified.as_str())]
            .into_iter()
            .enumerate()
    {
        let url = format!("postgres://postgres@{host}:{port}/postgres?{parameters}");
        let db = Db::open(DbOptions::postgres(&url, "test")).await.unwrap();
        write_name(&db, &format!("{n}")).await.unwrap();
        assert!(is_encrypted(&db).await, "{parameters}");
        db.close().await;
        migrate::<TaskTables>(&Server::new(&url, "task")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_who_the_url_names_is_refused_in_one_line() {
    let Some((server, authority)) = encrypted().await else { return };
    let port = server.address().port();
    let verified = format!("sslmode=verify-full&sslrootcert={authority}");
    for (host, parameters, why) in [
        ("127.0.0.1", verified.as_str(), "certificate"),
        ("localhost", "sslmode=verify-full", "certificate"),
        ("localhost", "sslmode=disable", "28000"),
        ("localhost", "sslmode=verify-ca", "sslmode"),
    ] {
        let url = format!("postgres://postgres@{host}:{port}/postgres?{parameters}");
        let refused = Db::open(DbOptions::postgres(&url, "test")).await.err().unwrap();
        let line = refused.to_string();
        assert!(matches!(refused, OpenError::Connect { .. } | OpenError::Address { .. }), "{refused:?}");
        assert!(line.contains(why) && !line.contains('\n'), "{parameters}: {line}");
        let migrating = db::migration_connection(&Server::new(&url, "task")).await;
        assert!(migrating.is_err(), "migrations are as careful: {parameters}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let Some(server) = plain().await else { return };
    let refused =
        Db::open(DbOptions::postgres(format!("{}?sslmode=require", server.url()), "test")).await.err().unwrap();
    assert!(refused.to_string().contains("TLS"), "{refused}");
    let db = Db::open(DbOptions::postgres(format!("{}?sslmode=prefer", server.url()), "test")).await.unwrap();
    write_name(&db, "row").await.unwrap();
    assert!(!is_encrypted(&db).await);
    db.close().await;
}
