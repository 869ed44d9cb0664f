"""What notifs is measured against, in programs of their own."""
