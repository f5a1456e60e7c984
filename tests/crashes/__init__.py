"""What survives a crash: processes killed, power cut, disks that fail, faults in the middle of a verdict, upgrades broken off."""
