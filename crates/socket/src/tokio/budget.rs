//! The budget that tokio gives to a task.

use std::task::{Context, Poll, ready};
use tokio::task::coop;

/// Polls something that may be ready each time, as a part of the task's budget: a task that always finds bytes lets
/// others run too.
pub(super) fn within_budget<T>(
    context: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let budget = ready!(coop::poll_proceed(context));
    let outcome = poll(context);
    if outcome.is_ready() {
        budget.made_progress();
    }
    outcome
}
