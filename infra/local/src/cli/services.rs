//! `leads services`.

use super::signals::Signals;
use super::{CommandError, DataArgs, print};
use crate::DataPlane;

pub(super) async fn run(args: DataArgs) -> Result<(), CommandError> {
    let mut signals = Signals::listen()?;
    let plane = DataPlane::start(&args.data(), args.ports()).await?;
    for (name, value) in plane.environment() {
        // Names and loopback URLs: nothing in them that a shell would read otherwise.
        print(format_args!("export {name}={value}"));
    }
    let ended = signals.or_full_disk(&plane).await;
    signals.unless_again(plane.stop()).await?;
    ended
}
