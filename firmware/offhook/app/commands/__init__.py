"""What `offhook` can be told to do, a module for each word."""
