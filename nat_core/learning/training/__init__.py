"""Training a policy by REINFORCE on what an accuracy source says."""
