"""A language model learns: dialogues to examples, full and LoRA fine-tuning."""
