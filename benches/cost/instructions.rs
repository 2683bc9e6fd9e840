//! Instructions a request, as callgrind counts them: a figure that nothing else on the machine changes, so that it can be
//! held to a budget where clocks cannot be trusted.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Command, ExitCode},
};

use super::{
    issuer::Algorithm::Es256,
    proxy::{self, NO_REVOCATION, Proxy},
    stage::Stage,
    traffic::{Requests, exchange, is_passed},
};

/// Prints what each kind of request takes, and fails where one takes more than its budget and 5 % of it.
///
/// `guided`: certbound was built by `packaging/guided`.
pub(crate) fn measure(guided: bool) -> ExitCode {
    let stage = Stage::set();
    let budget = if guided { GUIDED } else { PLAIN };
    let kinds = [
        ("bare Pingora", None, stage.known(Es256)),
        ("client and token known", Some(budget.known), stage.known(Es256)),
        ("new token, client known", Some(budget.new_token), stage.new_tokens(Es256)),
        ("new client, new token", Some(budget.new_client), stage.new_clients(Es256)),
    ];
    println!("{:<26}{:>14}{:>10}{:>12}", "instructions a request", "counted", "budget", "times bare");
    let (mut bare, mut over) = (0, false);
    for (name, budget, requests) in kinds {
        let counted = each(&stage, name, budget.is_some(), &requests);
        bare = if budget.is_none() { counted } else { bare };
        let times = counted as f64 / bare as f64;
        let most = budget.map_or(String::new(), |budget: u64| budget.to_string());
        println!("{name:<26}{counted:>14}{most:>10}{times:>12.2}");
        over |= budget.is_some_and(|budget| counted > budget + budget / 20);
    }
    if over {
        println!(
            "\nOver budget by more than 5 %. If that is what the change is worth, write the new figure where the old one stands."
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What one request takes: the difference between many and few in processes of their own, so that the start is no part of it.
fn each(stage: &Stage, name: &str, checks: bool, requests: &Requests<'_>) -> u64 {
    let [few, many] = [FEW, MANY].map(|count| whole(stage, name, checks, &requests.batch(count), count));
    (many - few) / u64::from(MANY - FEW)
}

/// What a process takes from its start to its end.
fn whole(stage: &Stage, name: &str, checks: bool, batch: &[Vec<u8>], count: u32) -> u64 {
    let out = stage.folder.path().join("callgrind.out");
    let mut command = callgrind(&out);
    let proxy = if checks {
        let file = proxy::configure(stage.folder.path(), "counted", stage.backend, NO_REVOCATION);
        Proxy::announced(&stage.cores, command.arg(proxy::program()).args(["run", "--config"]).arg(file))
    } else {
        Proxy::bare_by(&stage.cores, command.arg(proxy::this_program()), stage.backend)
    };
    // One client, so that what happens, and in which order, is the same each time.
    let mut stream = TcpStream::connect(proxy.address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    for request in batch.iter().cycle().take(count as usize) {
        let answer = exchange(&mut stream, request);
        assert!(is_passed(&answer), "{}", String::from_utf8_lossy(&answer));
    }
    drop(stream);
    proxy.interrupt();
    if let Some(kept) = std::env::var_os("CALLGRIND_OUT") {
        // To be read with callgrind_annotate.
        let file = Path::new(&kept).join(format!("{}-{count}", name.replace([' ', ','], "-")));
        fs::create_dir_all(&kept).and_then(|()| fs::copy(&out, file)).expect("a folder for the profiles");
    }
    let text = fs::read_to_string(&out).expect("what callgrind counted");
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    total.expect("a total").trim().parse().expect("a number")
}

fn callgrind(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", out.display()));
    command
}

struct Budget {
    known: u64,
    new_token: u64,
    new_client: u64,
}

/// Counted in the profile `counted` by rustc 1.95.
const PLAIN: Budget = Budget { known: 157_000, new_token: 953_300, new_client: 2_060_000 };
const GUIDED: Budget = Budget { known: 143_600, new_token: 935_700, new_client: 2_031_200 };
const FEW: u32 = 100;
const MANY: u32 = 1_100;
