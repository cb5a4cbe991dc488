"""The commands of `sco`, by what they are for; each file is one group."""
