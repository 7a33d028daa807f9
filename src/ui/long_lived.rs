//! Signals that outlive those who read them.
//!
//! The app lives long, and pages come and go. An effect or a memo that is dropped stays in the set of subscribers of
//! every signal that it read, until that signal changes (`reactive_graph` 0.2). Signals that rarely change, such as
//! today's date, would collect the readers of every page that was ever shown.

use std::ops::Deref;

use leptos::{
    prelude::*,
    reactive::{
        graph::{AnySource, Observer, Source, ToAnySource},
        traits::{DefinedAt, ReadUntracked, Track},
    },
};

/// A signal whose readers leave it as soon as their owner is cleaned up. All signals that belong to the app and are
/// read by pages are of this type.
#[derive(Clone, Copy, Debug)]
pub struct LongLived<S>(S);

impl<T: Send + Sync + 'static> LongLived<RwSignal<T>> {
    /// A signal that belongs to the current owner.
    pub fn new(value: T) -> Self {
        Self(RwSignal::new(value))
    }
}

impl<T> LongLived<ArcRwSignal<T>> {
    /// A signal that lives as long as it is referred to.
    pub fn new_arc(value: T) -> Self {
        Self(ArcRwSignal::new(value))
    }
}

/// For writing. Reading through this would leave the reader behind, so all that reads is implemented below.
impl<S> Deref for LongLived<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: DefinedAt> DefinedAt for LongLived<S> {
    fn defined_at(&self) -> Option<&'static std::panic::Location<'static>> {
        self.0.defined_at()
    }
}

impl<S: ReadUntracked> ReadUntracked for LongLived<S> {
    type Value = S::Value;

    fn try_read_untracked(&self) -> Option<S::Value> {
        self.0.try_read_untracked()
    }
}

impl<S: Track + ToAnySource> Track for LongLived<S> {
    fn track(&self) {
        self.0.track();
        if !self.0.is_disposed() {
            leave_at_cleanup(self.0.to_any_source());
        }
    }
}

/// Takes the present reader off a signal when its owner is cleaned up, also if the reader itself is gone by then.
fn leave_at_cleanup(signal: AnySource) {
    if let Some(reader) = Observer::get() {
        on_cleanup(move || signal.remove_subscriber(&reader));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Weak};

    use leptos::reactive::graph::{AnySubscriber, ReactiveNode, Subscriber, WithObserver};

    use super::*;

    struct Reader;

    impl ReactiveNode for Reader {
        fn mark_dirty(&self) {}

        fn mark_check(&self) {}

        fn mark_subscribers_check(&self) {}

        fn update_if_necessary(&self) -> bool {
            false
        }
    }

    impl Subscriber for Reader {
        fn add_source(&self, _: AnySource) {}

        fn clear_sources(&self, _: &AnySubscriber) {}
    }

    /// Lets a page read a signal of the app, leaves the page, and counts what still refers to the reader.
    fn left_behind_by<S: Get>(signal: &S) -> usize {
        let reader = Arc::new(Reader);
        let page = Owner::new();
        let weak = Arc::downgrade(&reader) as Weak<dyn Subscriber + Send + Sync>;
        let subscriber = AnySubscriber(Arc::as_ptr(&reader) as usize, weak);
        page.with(|| subscriber.with_observer(|| signal.get()));
        drop(subscriber);
        assert_ne!(Arc::weak_count(&reader), 0, "it has subscribed");
        page.cleanup();
        Arc::weak_count(&reader)
    }

    #[test]
    fn a_page_that_is_left_leaves_nothing_in_a_signal_of_the_app() {
        Owner::new().with(|| {
            assert_eq!(left_behind_by(&LongLived::new(0)), 0);
            assert_eq!(left_behind_by(&LongLived::new_arc(0)), 0);
            // A signal of Leptos does not forget its readers. Once it does, this module is not needed any more.
            assert_eq!(left_behind_by(&RwSignal::new(0)), 1);
        });
    }

    #[test]
    fn a_reader_stays_until_its_page_is_left() {
        Owner::new().with(|| {
            let signal = LongLived::new(1);
            let page = Owner::new();
            let doubled = page.with(|| Memo::new(move |_| signal.get() * 2));
            for n in 1..4 {
                signal.set(n);
                assert_eq!(doubled.get_untracked(), n * 2);
            }
        });
    }
}
