"""The administrator's tool `offhook-provision`: `provisioning/README.md` says what it does."""
