"""The long-lived worker: rounds in threads of a bounded number, whenever the agenda says that they are due."""
