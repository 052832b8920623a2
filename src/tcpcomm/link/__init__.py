"""The supervised connection that outlives its sessions and connects again."""
