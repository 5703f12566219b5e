"""The administrator's tool. Not written yet: `provisioning/README.md` says what it will do."""
