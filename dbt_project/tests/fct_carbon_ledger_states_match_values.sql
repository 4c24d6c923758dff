-- A value is there exactly when its state says so: NULL is never a silent zero. And an
-- activity that has a quantity has a result: if not, its units have no known product.
select
    ledger.ledger_row_id,
    ledger.activity_state,
    ledger.result_state
from {{ ref('fct_carbon_ledger') }} as ledger
where
    (ledger.activity_quantity is not null)
    != (ledger.activity_state in ('computed', 'imputed'))
    or (ledger.result_tco2e is not null)
    != (ledger.result_state in ('computed', 'imputed'))
    or (ledger.activity_quantity is not null) != (ledger.result_tco2e is not null)
