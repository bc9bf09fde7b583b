"""The token queue: what operators want a meter to get with its next purchase."""
