"""What phone and tool both read: settings and trunk profiles, each key with its explanation."""
