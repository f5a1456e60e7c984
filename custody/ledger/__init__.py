"""What cannot change unseen: canonical bytes, chained streams, the Merkle log, checkpoints and proofs; pure functions over bytes."""
