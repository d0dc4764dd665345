"""Files that people and attackers have, each made here: damaged, oversized, odd, wrongly named, and made to do harm."""
