"""What is done with a fleet: devices, tickets, enrolment, bundles, revocation."""
