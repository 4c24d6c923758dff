"""La Rochelle Territoire Zéro Carbone: the territory's data pipelines."""
