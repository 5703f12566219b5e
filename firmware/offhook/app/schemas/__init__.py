"""The JSON Schemas of what `offhook … --json` prints, made of the types in `app.report`."""
