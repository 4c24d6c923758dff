"""Files that partners deposit: how they are taken in, checked and answered."""
