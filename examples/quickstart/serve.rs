//! Keeps the stage up for whoever wants to try by hand.

use std::{fs, io, path::Path, slice, time::Duration};

use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    time::interval,
};

use crate::{
    CERTIFICATE_HEADER, Stage,
    attempts::told,
    support::{
        forms::percent_pem,
        pki::{Client, pem},
        token::now,
    },
};

/// Prints what to try, and what the bank sees, until Ctrl-C.
pub(crate) fn until_interrupted(stage: &Stage) -> io::Result<()> {
    let folder = stage.sidecar.folder();
    fs::write(folder.join("ca.pem"), pem(&stage.pki.infrastructure.der))?;
    for client in [&stage.pki.alice, &stage.pki.mallory] {
        hand_out(stage, folder, client)?;
    }
    print_what_to_try(stage, folder);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(watch(stage))
}

/// Certificate, key, token, and the certificate as a header, as files for curl.
fn hand_out(stage: &Stage, folder: &Path, client: &Client) -> io::Result<()> {
    let name = &client.name;
    let token = stage.token(client).claim("exp", now() + 12 * 3600).sign();
    fs::write(folder.join(format!("{name}.pem")), client.pem())?;
    fs::write(folder.join(format!("{name}.key")), client.key_pem())?;
    fs::write(folder.join(format!("{name}.token")), format!("Authorization: Bearer {token}"))?;
    fs::write(folder.join(format!("{name}.spoof")), format!("{CERTIFICATE_HEADER}: {}", percent_pem(&client.der)))
}

fn print_what_to_try(stage: &Stage, folder: &Path) {
    let balancer = format!("https://localhost:{}", stage.balancer.address.port());
    let certbound = format!("http://{}", stage.sidecar.address());
    println!(
        "
All of this stays up until Ctrl-C; the bank prints what it sees. Try:

cd {folder}
curl --cacert ca.pem --cert alice.pem --key alice.key -H @alice.token {balancer}/accounts
curl --cacert ca.pem --cert mallory.pem --key mallory.key -H @alice.token {balancer}/accounts
curl --cacert ca.pem -H @alice.token {balancer}/accounts
curl -H @alice.spoof -H @alice.token {certbound}/accounts
curl http://{admin}/metrics
cat proxy.toml
",
        folder = folder.display(),
        admin = stage.sidecar.admin_address(),
    );
}

async fn watch(stage: &Stage) -> io::Result<()> {
    let (mut interrupt, mut end) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut glances = interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = end.recv() => return Ok(()),
            _ = glances.tick() => {}
        }
        for seen in stage.bank.take() {
            println!("the bank saw {} {} with {}", seen.method, seen.target, told(stage, slice::from_ref(&seen)));
        }
    }
}
