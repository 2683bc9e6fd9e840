//! Whether the API answers past certbound, as far as that is known.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::{MetricType, TypedMetric},
};

/// A gauge that has no value while nobody knows: 0 would say that all is well. Clones are of one memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Exposed(Arc<Mutex<Option<bool>>>);

impl Exposed {
    pub(super) fn set(&self, is_so: Option<bool>) {
        *self.0.lock() = is_so;
    }

    pub(super) fn get(&self) -> Option<bool> {
        *self.0.lock()
    }
}

impl EncodeMetric for Exposed {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.get().map_or(Ok(()), |is_so| encoder.encode_gauge(&i64::from(is_so)))
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Exposed {
    const TYPE: MetricType = MetricType::Gauge;
}
