"""The recognisers, by what they read: numbers of China, numbers of everywhere, phones, dates, English words, Chinese words."""
