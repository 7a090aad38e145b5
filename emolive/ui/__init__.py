"""The desktop: a window over the engine. The only folder that imports Qt."""
