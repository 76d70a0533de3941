"""A sandbox that is a pod of a Kubernetes cluster; the `kubernetes` package is imported when it is used."""
