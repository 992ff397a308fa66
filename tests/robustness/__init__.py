"""What happens when disks, files, neighbours and strangers misbehave."""
