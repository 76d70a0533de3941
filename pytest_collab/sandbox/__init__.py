"""Where foreign code runs: process, bubblewrap, docker, behind one interface."""
