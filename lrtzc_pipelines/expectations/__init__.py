"""Great Expectations suites (JSON, one per source) and the module that runs them."""
