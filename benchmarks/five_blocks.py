"""The tariff that is measured: by itself, and in whole sales."""

from typing import Final

FIVE_BLOCKS: Final = """
name = "Five blocks, a monthly charge and VAT"
unit = "kWh"
price_currency = "ZAR"
time_zone = "Africa/Johannesburg"
source = "made up for the benchmarks"

[[version]]
valid_from = 2025-07-01

[version.energy]
blocks = [
    { up_to = "50", rate = "171.20" },
    { up_to = "150", rate = "209.70" },
    { up_to = "400", rate = "245.41" },
    { up_to = "650", rate = "267.38" },
    { rate = "288.24" },
]

[[version.charge]]
name = "network charge"
every = "month"
amount_minor = "13000"
share_percent = "30"

[[version.tax]]
name = "VAT"
percent = "15"
on = "everything"
"""
