//! What the settings of this very service allow, in the description: a client reads there what it may ask for, and need not try.

use utoipa::openapi::schema::{ObjectBuilder, OneOf, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

use super::amount::Amount;
use super::cell_fields::MIN_TIMEOUT;
use super::sandbox_fields::{MIN_CPUS, MIN_MEMORY};
use crate::config::Settings;
use crate::service::session::request::SHORTEST;

/// What a field's number may be. As text it may say the same.
struct Bounds {
    field: &'static str,
    kind: Type,
    least: f64,
    most: f64,
}

/// Writes them to every field that is an [`Amount`].
pub fn tell(api: &mut OpenApi, settings: &Settings) {
    let bounds = bounds(settings);
    let components = api.components.get_or_insert_default();
    for schema in components.schemas.values_mut() {
        let RefOr::T(Schema::Object(object)) = schema else {
            continue;
        };
        for bounds in &bounds {
            if let Some(RefOr::T(Schema::OneOf(field))) = object.properties.get_mut(bounds.field) {
                bounds.write(field);
            }
        }
    }
}

fn bounds(settings: &Settings) -> [Bounds; 5] {
    let (execution, sessions) = (&settings.execution, &settings.sessions);
    let number = |field, least, most| Bounds {
        field,
        kind: Type::Number,
        least,
        most,
    };
    let shortest = SHORTEST.as_secs_f64();
    [
        number(
            "timeout",
            MIN_TIMEOUT.as_secs_f64(),
            execution.max_timeout.as_secs_f64(),
        ),
        number("cpus", MIN_CPUS, execution.max_cpus),
        number(
            "idle_timeout",
            shortest,
            sessions.max_idle_timeout.as_secs_f64(),
        ),
        number("lifetime", shortest, sessions.max_lifetime.as_secs_f64()),
        Bounds {
            field: "memory",
            kind: Type::Integer,
            least: MIN_MEMORY.as_u64() as f64,
            most: execution.max_memory.as_u64() as f64,
        },
    ]
}

impl Bounds {
    /// In the place of the reference to [`Amount`], which knows no field.
    fn write(&self, field: &mut OneOf) {
        let number = ObjectBuilder::new()
            .schema_type(self.kind.clone())
            .minimum(Some(self.least))
            .maximum(Some(self.most));
        let is_amount = |item: &RefOr<Schema>| matches!(item, RefOr::Ref(_));
        let Some(at) = field.items.iter().position(is_amount) else {
            return;
        };
        field.items[at] = number.into();
        field.items.push(Amount::text().into());
    }
}
