//! `leads services`.

use super::signals::Signals;
use super::terminal::Terminal;
use super::{CommandError, DataArgs, print};
use crate::DataPlane;

pub(super) async fn run(args: DataArgs, _terminal: Terminal) -> Result<(), CommandError> {
    let mut signals = Signals::listen()?;
    let plane = DataPlane::start(&args.data(), args.ports()).await?;
    for (name, value) in plane.environment() {
        // Names and loopback URLs: nothing in them that a shell would read otherwise.
        print(format_args!("export {name}={value}"));
    }
    signals.received().await;
    tokio::select! {
        () = plane.stop() => Ok(()),
        () = signals.received() => Err(CommandError::SecondSignal),
    }
}
