"""Records of a run: what lies in a run folder, typed; read and written without torch."""
