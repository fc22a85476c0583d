"""Privacy Steward (隐私管家): finds, protects, masks and audits personal data. Start reading at docs/house.md."""

__version__ = "0.1.0"
