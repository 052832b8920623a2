"""Tells facts about the frames of a binary link, and proposes their header where they prove it."""
